-- OPEN: the first script on every new connection, and after GEN.
-- ARGV 4 candidate generation, 5 era of the server; KEYS[1] and ARGV[1] unused (ARGV[1] = '')
-- Answer OK, generation, position
local SKEW=200000                                    -- us by which the clock of another server may be behind, and more
local AHEAD=20000                                    -- us that a clock ahead of its server may have gone on by since what is left was saved
local candidate=tonumber(ARGV[4]); local server=tonumber(ARGV[5])
if meta and era==server then return {'OK',gen,pos} end
if meta then                                         -- rule 8: the server restarted or another one took over
  if candidate==gen then candidate=candidate%4294967295+1 end
  clock=math.max(clock+AHEAD,now+SKEW)
else                                                 -- the meta was lost: what is still queued counts as acknowledged
  clock=now+SKEW; acked=redis.call('ZCARD',KEYS[3]); applied=0; superseded=0; dead=0; lost=0; hollow=0; bytes=0
end
gen=candidate; era=server; pos=0; oldest=0
put_meta(); publish(MAXV,0)
return {'OK',gen,pos}
