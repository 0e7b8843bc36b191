-- LEASE: a miss asks for the right to load and fill.
-- ARGV 5 leaseId, 6 lease ttl us
-- Answer hit, entry bytes, position | granted, position | wait, us until the lease ends, position
local e=decode(read())
if e and (e.dirty or (has(e) and not suspect(e))) then return {'hit',redis.call('GET',KEYS[1]),pos} end  -- A7: a pending write is the answer, never a lease
if e and e.a>0 and e.b>now then return {'wait',e.b-now,pos} end
grant(e or blank(),tonumber(ARGV[5]),tonumber(ARGV[6]))
return {'granted',pos}
