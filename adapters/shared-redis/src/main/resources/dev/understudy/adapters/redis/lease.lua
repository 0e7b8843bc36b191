-- LEASE: a miss asks for the right to load and fill.
-- ARGV 5 leaseId, 6 lease ttl us
-- Answer hit, entry bytes, position | granted, position | wait, us until the lease ends, position
local raw=redis.call('GET',KEYS[1]); local e=decode(raw)
if e and (e.dirty or (has(e) and not suspect(e))) then return {'hit',raw,pos} end  -- A7: a pending write is the answer, never a lease
if e and e.a>0 and e.b>now then return {'wait',e.b-now,pos} end
e=e or blank()
local distrust=suspect(e)
if distrust then e.kind=L; e.payload=''; e.pc=0; e.pd=0 end  -- A6: past the deadline nobody commits (rule 15), the load sees all
e.a=tonumber(ARGV[5]); e.b=now+ARGV[6]
save(e,math.floor(ARGV[6]/1000)+1000)                -- a placeholder outlives its lease by a second
if distrust then announce(MAXV,X) end                -- A6: near copies of a distrusted value must go
return {'granted',pos}
