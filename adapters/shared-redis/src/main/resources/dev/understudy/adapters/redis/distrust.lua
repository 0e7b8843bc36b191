-- DISTRUST: any row may have changed; begins another generation, as after a restart: clean entries read as absent, pending ones stay.
-- ARGV 5 candidate generation; KEYS[1] and ARGV[1] unused (ARGV[1] = '')
-- Answer OK, generation, position
if gen~=tonumber(ARGV[4]) then return {'GEN'} end    -- rule 8
local candidate=tonumber(ARGV[5])
if candidate==gen then candidate=candidate%4294967295+1 end
gen=candidate; pos=0
put_meta(); publish(MAXV,0)
return {'OK',gen,pos}
