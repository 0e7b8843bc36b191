-- PEEK: the oldest pending records.
-- ARGV 5 first pending at or before, us (0 or less: relative to now); 6 limit (at most 4000), 7 prefix of the entry keys; KEYS[1] and ARGV[1] unused
-- Answer OK, key, entry bytes ('' if a stranger deleted it), key, entry bytes, ...
local due=tonumber(ARGV[5]); if due<=0 then due=now+due end
local ks=redis.call('ZRANGEBYSCORE',KEYS[3],'-inf',due,'LIMIT',0,ARGV[6]); local out={'OK'}
if #ks==0 then return out end
local es={}; for i,k in ipairs(ks) do es[i]=ARGV[7]..k end
local raws=redis.call('MGET',unpack(es))
for i,k in ipairs(ks) do out[#out+1]=k; out[#out+1]=raws[i] or '' end
return out
