-- FILL: the result of a load.
-- ARGV 5 leaseId (0: none), 6 kind: 1 value, 2 known absent; 7 row version (0 if absent), 8 payload, 9 ttl ms
-- Answer filled | lost
local e=load(); local ver=tonumber(ARGV[7])
if observe(ver) then put_meta() end                  -- rule 5: also when the lease is lost, the value is still returned
if not e or e.dirty or e.a~=tonumber(ARGV[5]) or e.b<now then return {'lost'} end  -- A5: only with the own live lease
e.kind=tonumber(ARGV[6]); e.payload=ARGV[8]; e.a=0; e.b=0; e.wid=0
if e.kind==V then e.ver=ver end
save(e,ARGV[9])                                      -- a marker stays: its writer may have committed after the load
if e.pc>0 then announce(e.kind==V and ver>1 and ver or MAXV,e.kind) end  -- or before it, and not told: what is shown, the position covers
return {'filled'}
