-- What the scripts that expect a generation share: the generation check and one entry's reading, writing and forgetting.
if gen~=tonumber(ARGV[4]) then return {'GEN'} end    -- rule 8 (gen is nil without a meta)
local function blank() return {kind=L,dirty=false,own=false,ver=0,wid=0,pc=0,pd=0,ft=0,a=0,b=0,payload=''} end
-- pc, pd, ft: marker count, deadline, forgottenAt; a, b: base and cv, or the lease; payload: nil while it is as stored, from byte p on, and then
-- neither read nor written, because each text that Lua makes costs by its length; lasts: stored without a time to live
local function decode(s)
  if s=='' then return nil end
  local e={kind=0,dirty=false,own=false,ver=0,wid=0,pc=0,pd=0,ft=0,a=0,b=0,len=0,raw=s,p=0,lasts=false}
  local f,g,p
  f,g,e.ver,e.wid,e.pc,e.pd,p=struct.unpack('>BI4I8I8I2I8',s)
  e.kind=f%8; e.dirty=f%16>=8; e.own=f>=64
  if f%64>=32 then e.ft,e.a,e.b,e.len,p=struct.unpack('>I8I8I8I4',s,p) end
  e.p=p; e.lasts=e.dirty or e.pc>0
  if g~=gen then                                     -- rule 8, an entry of another generation:
    if not e.dirty then return nil end               --   clean reads as absent,
    e.pd=0; e.ft=0; e.b=MAXV                         --   dirty stays pending, its markers those of vanished writers, who may have
                                                     --   committed: strong reads go on asking the primary; drained, it is forgotten
  end
  return e
end
local function length(e) return e.payload and #e.payload or e.len end
local size=0                                         -- of the pending payload that the meta counts for this entry
local function read(further)                         -- both blocks, and at least so many bytes of the payload
  local s=redis.pcall('GETRANGE',KEYS[1],0,58+(further or 0))
  if type(s)=='string' then return s end
  if string.sub(s.err,1,9)=='WRONGTYPE' then return '' end  -- a stranger's: as good as none
  error(s)
end
local function load(further)
  local e=decode(read(further))
  size=e and e.dirty and length(e) or 0
  return e
end
local function header(e)                             -- if its pending payload changes the meta, which counts that, must be written after it
  local f=e.kind; local after=e.dirty and length(e) or 0
  bytes=math.max(0,bytes+after-size); size=after
  if e.dirty then f=f+8; if e.own then f=f+64 end end
  if e.dirty or e.ft>0 or e.a>0 or not e.payload and e.p>32 then  -- the second block stays as long as the payload does
    return struct.pack('>BI4I8I8I2I8I8I8I8I4',f+32,gen,e.ver,e.wid,e.pc,e.pd,e.ft,e.a,e.b,after)
  end
  return struct.pack('>BI4I8I8I2I8',f,gen,e.ver,e.wid,e.pc,e.pd)
end
local function encode(e) return header(e)..e.payload end  -- with a payload that is replaced
local function save(e,px)                            -- a TTL only on what may be evicted: neither pending nor marked
  local s=header(e); local lasts=e.dirty or e.pc>0 or not px
  if not e.payload and #s==e.p-1 then
    if lasts and not e.lasts then redis.call('PERSIST',KEYS[1]) end
    redis.call('SETRANGE',KEYS[1],0,s)
    if lasts then return end
    local ends=redis.pcall('PEXPIRE',KEYS[1],px)
    if type(ends)=='table' then redis.call('SETRANGE',KEYS[1],0,string.sub(e.raw,1,e.p-1)); error(ends) end  -- as it was
    return
  end
  s=s..(e.payload or redis.call('GETRANGE',KEYS[1],e.p-1,-1))
  if lasts then redis.call('SET',KEYS[1],s) else redis.call('SET',KEYS[1],s,'PX',px) end
end
local function has(e) return e.kind<=T end
local function marked(e) return e.pc>0 and e.pd>=now end
local function suspect(e) return e.pc>0 and e.pd<now end   -- a writer vanished: it may have committed
local function allocate(floor)                       -- even versions come from here, odd ones from Postgres
  local v=math.max(clock+1,floor+1,now); if v%2==1 then v=v+1 end
  clock=v; return v
end
local function credible(ver)                         -- what a caller knows is a session's, whose text may be forged:
  return math.min(tonumber(ver),now+100000)          --   ahead of the clock by the tolerated skew at most
end
local function observe(ver)                          -- rule 5; true if the clock moved
  if ver>clock and ver<MAXV then clock=ver; return true end
  return false
end
local function coalesce(e)                           -- an acknowledged write-back takes the place of a pending record
  acked=acked+1
  if e.own or hollow==0 then superseded=superseded+1 else hollow=hollow-1 end
end
local function announce(ver,flags,entry)             -- one position per change; writes the meta, and an entry if it has no TTL
  pos=pos+1; put_meta(entry); publish(ver,flags)
  return pos
end
local function grant(e,id,ttl)                       -- the right to load and say what the primary holds
  local distrust=suspect(e)                          -- A6: past the deadline nobody commits (rule 15), the load sees all
  if distrust then e.kind=L; e.payload=''; e.pc=0; e.pd=0 end
  e.a=id; e.b=now+ttl
  save(e,math.floor(ttl/1000)+1000)                  -- a placeholder outlives its lease by a second
  if distrust then announce(MAXV,X) end
end
local function forget(e)                             -- of a clean entry: drop the copy, keep the markers of live writers
  if e and marked(e) then
    local x=blank(); x.kind=X; x.ver=e.ver; x.pc=e.pc; x.pd=e.pd; x.ft=now; save(x)
  elseif e then redis.call('DEL',KEYS[1]); bytes=math.max(0,bytes-size); size=0 end
  return announce(MAXV,X)
end
