-- For wrk: the token (TOKEN, or one of the lines of TOKENS for each request) and the body (BODY_BYTES) come from the
-- environment; what was counted is said in a line of JSON.
local bytes = tonumber(os.getenv("BODY_BYTES") or "0")
if bytes > 0 then
  wrk.method = "POST"
  wrk.body = string.rep("x", bytes)
end

local file = os.getenv("TOKENS")
if file then
  local requests = {}
  function init()
    for token in io.lines(file) do
      requests[#requests + 1] = wrk.format(nil, nil, { ["Host"] = wrk.headers["Host"], ["Authorization"] = "Bearer " .. token })
    end
  end
  function request()
    return requests[math.random(#requests)]
  end
else
  wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
end

function done(summary, latency)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.status + summary.errors.timeout
  io.write(string.format('{"total":%d,"seconds":%.6f,"failed":%d,"p50":%.3f,"p99":%.3f}\n',
    summary.requests, summary.duration / 1e6, failed,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
