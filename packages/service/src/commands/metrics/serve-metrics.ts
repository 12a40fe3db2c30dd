import type { ServeConfig } from "../../config.ts";
import type { EventLog } from "../../telemetry/events.ts";
import { explainListenError } from "../listen-error.ts";
import type { RunningServer } from "../server.ts";
import type { MetricsServer } from "./metrics-server.ts";
import { startMetricsServer } from "./metrics-server.ts";

/** The metrics of a service, at their own address. */
export interface ServedMetrics extends MetricsServer {
  /** The service stops: it is not ready from now on. */
  stopping(): void;
}

/**
 * Listens for scrapes of all processes of the service.
 *
 * @returns nothing if the operator named no address.
 * @throws ConfigError if it cannot listen.
 */
export async function serveMetrics(
  config: Pick<ServeConfig, "metricsListen">,
  service: Pick<RunningServer, "readMetrics" | "isReady">,
  log: Pick<EventLog, "fault">,
): Promise<ServedMetrics | undefined> {
  const { metricsListen } = config;
  if (metricsListen === undefined) return undefined;
  let isStopping = false;
  const source = {
    read: service.readMetrics,
    isReady: async () => !isStopping && (await service.isReady()),
    onError: log.fault,
  };
  try {
    const server = await startMetricsServer(metricsListen, source);
    return {
      ...server,
      stopping() {
        isStopping = true;
      },
    };
  } catch (error) {
    throw explainListenError("--metrics-listen", metricsListen, error);
  }
}
