-- PREPARE: a write-through begins; marks the entry and allocates the version that it proposes.
-- ARGV 5 marker ttl us, 6 highest version known to the caller (0: none)
-- Answer OK, version, deadline, prepared at, kind of a pending write or 0, its version or 0
local e=load() or blank()
local distrust=suspect(e) and not e.dirty
if distrust then e.kind=L; e.payload=''; e.pc=0 end  -- A6; rule 27: a pending entry keeps the vanished writer's mark
local ver=allocate(math.max(e.ver,credible(ARGV[6])))
local deadline=now+ARGV[5]
e.pc=math.min(e.pc+1,65535); e.pd=math.max(e.pd,deadline)
if not e.dirty then e.a=0; e.b=0 end                 -- A1: every lease given before is void
save(e)
if distrust then announce(MAXV,X) else put_meta() end  -- A6: near copies of a distrusted value must go
return {'OK',ver,deadline,now,e.dirty and e.kind or 0,e.dirty and e.ver or 0}
