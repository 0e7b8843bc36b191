-- WRITEBACK: the value, the pending record, the queue, the counters and the announcement of a write-back, atomically.
-- ARGV 5 op: 1 value, 3 delete; 6 payload, 7 writeId,
--      8 condition: -1 none, -2 must exist, 0 must be absent, else the exact version,
--      9 base: -1 not given, 0 absent, MAXV unknown (the primary cannot be reached), else the row version loaded after COLD,
--      10 limit of pending keys in the shard, 11 highest version known to the caller (0: none),
--      12 what a pending value must begin with to be replaced ('' or none: it may be any): format and columns,
--      13 version of the pending value whose further columns the payload carries already (0: none),
--      14 limit of pending bytes in the shard, 15 of the age of the oldest in us (each '' or none: no limit); one value always fits
-- Answer OK, version, position, new|dup | COLD (load the version and call again with it, if need be more than once) | MARKED, us until the deadline | CONFLICT, version or 0 | FULL, entries|bytes|age | FOREIGN, version (of a pending value with other columns)
local head=ARGV[12] or ''; local e=load(#head) or blank(); local wid=tonumber(ARGV[7])
if e.wid==wid then return {'OK',e.ver,pos,'dup'} end
local condition=tonumber(ARGV[8]); local base=tonumber(ARGV[9])
if condition~=-1 and marked(e) then return {'MARKED',e.pd-now} end  -- a write-through is about to replace what would be judged
local known=has(e) and not suspect(e) and (condition==-1 or not e.dirty or e.b<=e.ver)  -- nor if the primary went another way
if not known then                                    -- rule 5: load the version first
  local judged=condition~=-1 and not e.dirty         -- a condition is judged by a load only under the writer's own lease:
  if base==-1 or judged and base<MAXV and (e.a~=wid or e.b<now) then  --  else a delete in between would be undone
    if judged then grant(e,wid,2000000) end
    return {'COLD'}
  end
end
observe(base)
local current=base
if known or e.dirty and e.ver>base then current=e.kind==V and e.ver or 0 end
if condition~=-1 then
  local met
  if current==MAXV then met=false; current=0
  elseif condition==-2 then met=current>0
  else met=current==condition end
  if not met then
    if not known and not e.dirty and base<MAXV then redis.call('DEL',KEYS[1]) end  -- gives the lease back
    return {'CONFLICT',current}
  end
end
if e.dirty and e.kind==V and ARGV[5]=='1' and string.sub(e.raw,e.p,e.p+#head-1)~=head and e.ver~=tonumber(ARGV[13]) then
  return {'FOREIGN',e.ver}                           -- rule 23: a column that the writer does not know would be lost
end
local grows=#ARGV[6]-size
if grows>0 and bytes>size and bytes+grows>(tonumber(ARGV[14]) or MAXV) then return {'FULL','bytes'} end
local patience=tonumber(ARGV[15])
if patience and (now<oldest or now-oldest>patience) then  -- the bound is made exact; ahead of a clock that was put back it is none
  oldest=tonumber(redis.call('ZRANGE',KEYS[3],0,0,'WITHSCORES')[2]) or now
  if now-oldest>patience then return {'FULL','age'} end
end
if e.dirty then coalesce(e)
else
  if redis.call('ZCARD',KEYS[3])>=tonumber(ARGV[10]) then return {'FULL','entries'} end
  if redis.call('ZADD',KEYS[3],'NX',now,ARGV[1])==0 then lost=lost+1 end  -- the record queued before was deleted by a stranger
  acked=acked+1; e.dirty=true; e.a=current; e.b=0
end
e.own=true
e.kind=tonumber(ARGV[5]); e.ver=allocate(math.max(e.ver,credible(ARGV[11]))); e.payload=ARGV[6]; e.wid=wid
return {'OK',e.ver,announce(e.ver,e.kind+8,encode(e)),'new'}
