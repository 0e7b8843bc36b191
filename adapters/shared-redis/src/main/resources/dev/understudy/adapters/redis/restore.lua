-- RESTORE: replays an acknowledged write-back after Redis lost its memory.
-- ARGV 5 op: 1 value, 3 delete; 6 payload, 7 writeId, 8 version, 9 leaseId, 10 '1' if the primary was asked after COLD was answered
-- Answer restored, position | newer | COLD (ask the primary whether it has the write, and call again with the same lease)
local e=load() or blank(); local ver=tonumber(ARGV[8])
if has(e) and e.ver>=ver then return {'newer'} end
if not e.dirty and (ARGV[10]~='1' or e.a~=tonumber(ARGV[9]) or e.b<now) then  -- else what was drained since the primary was asked,
  if ARGV[10]~='1' and e.b<now then grant(e,tonumber(ARGV[9]),2000000) end    --   and forgotten, would be hidden
  return {'COLD'}
end
observe(ver)
if e.dirty then coalesce(e)                          -- acknowledged anew: the counters that knew of it are gone with it
else
  if redis.call('ZADD',KEYS[3],'NX',now,ARGV[1])==0 then lost=lost+1 end
  acked=acked+1; e.b=MAXV; e.dirty=true
end
e.own=true; e.a=MAXV; e.kind=tonumber(ARGV[5]); e.ver=ver; e.payload=ARGV[6]; e.wid=tonumber(ARGV[7])
return {'restored',announce(ver,e.kind+8,encode(e))}
