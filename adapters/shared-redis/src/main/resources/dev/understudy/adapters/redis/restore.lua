-- RESTORE: replays an acknowledged write-back after Redis lost its memory.
-- ARGV 5 op: 1 value, 3 delete; 6 payload, 7 writeId, 8 version
-- Answer restored, position | newer
local e=load() or blank(); local ver=tonumber(ARGV[8])
if has(e) and e.ver>=ver then return {'newer'} end
observe(ver)
if e.dirty then coalesce(e)                          -- acknowledged anew: the counters that knew of it are gone with it
else
  if redis.call('ZADD',KEYS[3],'NX',now,ARGV[1])==0 then lost=lost+1 end
  acked=acked+1; e.b=MAXV; e.dirty=true
end
e.own=true; e.a=MAXV; e.kind=tonumber(ARGV[5]); e.ver=ver; e.payload=ARGV[6]; e.wid=tonumber(ARGV[7])
save(e)
return {'restored',announce(ver,e.kind+8)}
