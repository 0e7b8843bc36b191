-- PEEK: the oldest pending records.
-- ARGV 5 first pending at or before, us; 6 limit (at most 4000), 7 prefix of the entry keys; KEYS[1] and ARGV[1] unused
-- Answer OK, key, entry bytes ('' if a stranger deleted it), key, entry bytes, ...
local ks=redis.call('ZRANGEBYSCORE',KEYS[3],'-inf',ARGV[5],'LIMIT',0,ARGV[6]); local out={'OK'}
if #ks==0 then return out end
local es={}; for i,k in ipairs(ks) do es[i]=ARGV[7]..k end
local raws=redis.call('MGET',unpack(es))
for i,k in ipairs(ks) do out[#out+1]=k; out[#out+1]=raws[i] or '' end
return out
