import type { ServeConfig } from "../../config.ts";
import { formatExport } from "../../tracing/otlp.ts";
import { createCollector } from "../traces/collector.ts";
import { readTraceFiles } from "../traces/trace-files.ts";
import type { Finding } from "./finding.ts";
import { messageOf } from "./finding.ts";

/** Time for the collector to respond, in milliseconds: an operator waits for it. */
const TIMEOUT_MS = 5_000;

/** Sends no spans to the collector of traces, which says whether it would take some. The service works without it. */
export async function checkTraces({ traces }: ServeConfig): Promise<readonly Finding[]> {
  if (traces === undefined) return [];
  const { endpoint } = traces;
  try {
    const { headers, ca } = await readTraceFiles(traces);
    const version = "doctor";
    const send = createCollector({ url: endpoint, headers, ca, timeoutMs: TIMEOUT_MS, version });
    const result = await send(formatExport({ name: "membrane", version, instance: version }, []));
    return [
      result.kind === "taken"
        ? { ok: true, what: `traces: ${endpoint.href} takes them` }
        : {
            ok: true,
            isWarning: true,
            what: `traces: ${endpoint.href} does not take them (${result.cause}): without it spans are dropped`,
          },
    ];
  } catch (error) {
    return [{ ok: false, what: `traces: ${messageOf(error)}` }];
  }
}
