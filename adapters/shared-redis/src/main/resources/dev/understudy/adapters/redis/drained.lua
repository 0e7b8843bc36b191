-- DRAINED: the primary took, refused or buried pending records; the only way out of the queue (rule 1).
-- ARGV 5 version, 6 op and 9 writeId of the record drained; 7 outcome: applied, superseded or dead; 8 ttl ms;
--      10 corrected version ('' none), 11 corrected payload, 12 corrected kind: what the primary stored instead
--      of further records: 13 key, 14 to 21 as 5 to 12; and so on; their entries are KEYS 4, 5, ...
-- Answer clean | corrected, position | conflict, position | again | older | gone | lost; of several records their words, or failed
local left={}                                        -- what leaves the queue with this call, when all records are done
local function drained()
local e=load(); local ver=tonumber(ARGV[5]); local fix=tonumber(ARGV[10])
if not e or not e.dirty then
  -- the record went with Redis' memory while it was written: what was loaded meanwhile is from before it
  if e and (e.kind==N or e.kind==L and e.a>0 or e.kind~=X and e.kind~=L and e.ver<ver) then forget(e) end
  if left[ARGV[1]] or redis.call('ZREM',KEYS[3],ARGV[1])==0 then return {'gone'} end
  if redis.call('ZCARD',KEYS[3])==0 then bytes=0 end
  lost=lost+1; put_meta(); return {'lost'}           -- queued without a record: a stranger deleted it
end
if e.ver<ver then return {'older'} end
local refused=ARGV[7]~='applied'
if e.ver>ver or e.wid~=tonumber(ARGV[9]) then        -- A8, rule 25: compare version and writeId; any other record stays; a buried one left the row alone
  local base=ARGV[7]=='dead' and e.a or refused and MAXV or fix or (ARGV[6]=='1' and ver or 0)
  if e.a~=base then e.a=base; save(e) end
  if not refused then redis.call('ZADD',KEYS[3],'XX','GT',math.min(ver,now),ARGV[1]) end  -- the oldest not at the primary is newer
  return {'again'}
end
left[#left+1]=ARGV[1]; left[ARGV[1]]=true
if not e.own and hollow>0 then hollow=hollow-1
elseif ARGV[7]=='dead' then dead=dead+1
elseif refused or not e.own then superseded=superseded+1
else applied=applied+1 end
local conflict=refused or e.b>(fix or ver)           -- A8: the primary went another way; let readers load it
e.dirty=false; e.own=false; e.a=0; e.b=0
if conflict then return {'conflict',forget(e)} end
if fix then
  e.kind=tonumber(ARGV[12]); e.ver=fix; e.payload=ARGV[11]; observe(fix)
  save(e,ARGV[8]); return {'corrected',announce(MAXV,e.kind)}  -- MAXV: the version may be the same
end
save(e,ARGV[8]); put_meta()
return {'clean'}
end
local function leave()
  if #left==0 then return end
  redis.call('ZREM',KEYS[3],unpack(left))
  if bytes>0 and redis.call('ZCARD',KEYS[3])==0 then bytes=0; put_meta() end
end
if #ARGV<=12 then local answer=drained(); leave(); return answer end
local put=put_meta; local words={}; put_meta=function(e) assert(not e) end  -- queue and meta are written once, for all
for i=3,#KEYS do
  if i>3 then
    local at=(i-3)*9+3; KEYS[1]=KEYS[i]; ARGV[1]=ARGV[at+1]
    for n=5,12 do ARGV[n]=ARGV[at-3+n] end
  end
  local a,s,d,l,h,b,n=applied,superseded,dead,lost,hollow,bytes,#left
  local ok,answer=pcall(drained); words[#words+1]=ok and answer[1] or 'failed'
  if not ok then                                     -- stays pending, counted and queued as before
    applied,superseded,dead,lost,hollow,bytes=a,s,d,l,h,b
    if #left>n then left[left[#left]]=nil; left[#left]=nil end
  end
end
leave(); put()
return words
