-- STATUS: what the shard's meta says, for lag, conservation and positions; expects no generation (ARGV[4] unused).
-- Answer OK, generation, position, clock, acked, applied, superseded, dead, lost, hollow, ZCARD(queue),
--        us since when the oldest pending key has waited or 0, now, bytes of the pending payloads
if not meta then return {'GEN'} end
local first=redis.call('ZRANGE',KEYS[3],0,0,'WITHSCORES')
return {'OK',gen,pos,clock,acked,applied,superseded,dead,lost,hollow,redis.call('ZCARD',KEYS[3]),tonumber(first[2]) or 0,now,bytes}
