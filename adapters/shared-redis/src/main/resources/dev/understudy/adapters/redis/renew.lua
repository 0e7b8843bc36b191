-- RENEW: before the commit of a caller's own transaction its marker must still stand (rule 3).
-- ARGV 5 marker ttl us, 6 deadline that the caller holds
-- Answer OK, deadline | LOST
local e=load()
if not e or not marked(e) or tonumber(ARGV[6])<now then return {'LOST'} end  -- past its own deadline the mark may be another writer's
local deadline=now+ARGV[5]
e.pd=math.max(e.pd,deadline)
save(e)
return {'OK',deadline}
