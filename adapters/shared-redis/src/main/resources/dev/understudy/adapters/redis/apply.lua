-- APPLY: the outcome of a write-through; takes the marker back and installs, replaces a pending record, or forgets.
-- ARGV 5 outcome: 1 value, 3 deleted, 'A' aborted; 6 version committed, of a delete its tombstone's, 7 payload, 8 ttl ms,
--      9 deadline of the marker (0: an APPLY's outcome is unknown, rule 2), 10 prepared at, 11 writeId, 12 '1' = Versioning.none()
-- Answer applied | superseded | deleted | skipped | older | aborted, and the position
local e=load(); local ver=tonumber(ARGV[6]); local deadline=tonumber(ARGV[9])
local late=deadline<now
if e and not late and e.pc>0 then e.pc=e.pc-1; if e.pc==0 then e.pd=0 end end
if ARGV[5]=='A' then
  if e and not late then
    if not has(e) and e.pc==0 and e.a==0 then redis.call('DEL',KEYS[1]) else save(e,ARGV[8]) end
  end
  return {'aborted',pos}
end
observe(ver)
if e and e.dirty then
  local deleted=ARGV[5]=='3'
  if deleted and ver<=e.ver then                     -- the primary did not have it yet: it comes after the delete, which its writer may have seen
    e.b=MAXV; e.ft=now                               -- drained, and then forgotten
    save(e); put_meta(); return {'older',pos}
  end
  if deleted or ver>e.ver then                       -- rule 1: replace the pending record, it leaves only through DRAINED
    if e.own then superseded=superseded+1; hollow=hollow+1; e.own=false end
    if deleted then                                  -- A3: a batch may be in flight; drain a delete after it
      e.kind=T; e.ver=allocate(e.ver); e.payload=''; e.wid=0; e.ft=now
      return {'deleted',announce(MAXV,T+8,encode(e))}
    end
    e.kind=V; e.ver=ver; e.payload=ARGV[7]; e.wid=tonumber(ARGV[11])
    return {'superseded',announce(ver,V+8,encode(e))}
  end
  if e.kind==T then e.wid=tonumber(ARGV[11]) end     -- A4, rule 25: a batch in flight no longer matches; drain the delete once more
  save(e); put_meta(); return {'older',pos}
end
if ARGV[5]=='3' or ARGV[12]=='1' then return {'deleted',forget(e)} end  -- deletes forget; rule 24: without versions all do
if not e or late or e.kind==X or tonumber(ARGV[10])<=e.ft or (e.kind==T and ver<e.ver) then
  return {'skipped',forget(e)}                       -- A2: no valid marker, no install
end
if ver>e.ver then
  e.kind=V; e.ver=ver; e.payload=ARGV[7]; e.wid=tonumber(ARGV[11]); e.a=0; e.b=0
  save(e,ARGV[8]); return {'applied',announce(ver,V)}
end
save(e,ARGV[8]); put_meta(); return {'older',pos}
