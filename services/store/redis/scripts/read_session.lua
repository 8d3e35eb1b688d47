-- The mapping of a session.
-- req    sessionId, nowMs, slide
-- reply  a session (base.lua) | nothing
local s = live_session(req.sessionId)
if not s then return false end
if req.slide then slide(s) end
return session_reply(s)
