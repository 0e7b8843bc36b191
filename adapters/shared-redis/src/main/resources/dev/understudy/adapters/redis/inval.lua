-- INVAL: somebody else changed the row (outbox, feed, repair, the caller's own SQL).
-- ARGV 5 version committed in the primary, 0 = unknown or deleted
-- Answer inval, position | newer | dirty
local e=load(); local ver=tonumber(ARGV[5])
observe(ver)
if e and e.dirty then                                -- A9: never delete it; remember that the primary went another way
  if ver~=e.ver then e.b=math.max(e.b,ver==0 and MAXV or ver); e.ft=now; save(e) end
  put_meta(); return {'dirty'}
end
if ver>0 and e and e.kind==V and e.ver>=ver then return {'newer'} end  -- rule 27: only a value is newer
return {'inval',forget(e)}
