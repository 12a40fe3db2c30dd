import type { Denial, Outcome } from "../domain/denial.ts";
import type { ExchangeReport } from "../domain/exchange-report.ts";
import type { ByteStream } from "../http1/byte-stream.ts";
import type { RequestMessage } from "../http1/upstream.ts";
import type { InFlightRequest } from "./in-flight-registry.ts";
import type { InvocationMeter } from "./invocation-meter.ts";
import type { MinDataRate } from "./min-data-rate.ts";
import type { PassedHeads } from "./passed-heads.ts";
import type { SentRequest } from "./reference-filter.ts";
import type { ResponseBodyContext } from "./response-body.ts";
import type { Ticker } from "./ticker.ts";
import type { UsageAccounts } from "./usage-accounts.ts";

/** A request, ready to be sent. */
export interface UpstreamRequest extends RequestMessage {
  /** Makes the signed headers once there is a connection: before, the signature would age while the request waits. */
  readonly sign: () => readonly string[];
  /** Counts the use, once there is a connection; absent if nothing counts it. It is never given back. */
  readonly countUse: (() => Promise<Outcome<void>>) | undefined;
  /** What the response is filtered by. */
  readonly sentRequest: SentRequest;
  /** Continues with the connection of a target that has switched protocols. Present if it is asked to. */
  readonly switchProtocols?: SwitchProtocols;
}

/**
 * @param headers of the target's 101: name, value, name, value, …
 * @param startedAt when the exchange began, in milliseconds of the ticker.
 * @returns how the exchange ends, or why the target's response is refused: nothing was sent to the client then.
 */
export type SwitchProtocols = (
  headers: readonly string[],
  target: ByteStream,
  startedAt: number,
) => Outcome<Promise<ExchangeEnd>>;

/** On whose behalf an exchange is, and since when. */
export interface ExchangeOrigin {
  readonly inFlight: InFlightRequest;
  readonly accounts: UsageAccounts;
  /** When the service got the request, and later by as long as it waited for the client; in milliseconds of the ticker. */
  readonly arrivedAt: number;
}

/** What all exchanges are handed. */
export interface ExchangeContext extends ResponseBodyContext {
  /** Reads the revocation log, which ends the requests that were revoked. False: the log is not known at this moment. */
  readonly recheck: () => boolean;
  readonly passedHeads: PassedHeads;
  readonly ticker: Ticker;
  readonly meter: InvocationMeter;
  /** How fast a client must read while its response waits for it. */
  readonly minResponseRate: MinDataRate;
  /** How long an exchange may last, in milliseconds. */
  readonly invocationTimeoutMs: number;
  /** Called before what was read of a response is passed on. It ends the requests that were revoked, if that was not looked at just now. */
  readonly ensureFresh: () => void;
  /** Called with the bytes of every chunk of a response. */
  readonly countChunk: (bytes: number) => void;
}

/** How an exchange ended, once nothing more will happen on either side. */
export type ExchangeEnd =
  | { readonly kind: "completed"; readonly status: number; readonly report: ExchangeReport }
  /** No response has begun: the caller responds with this in place of the target. Without a report, no request was sent. */
  | {
      readonly kind: "denied";
      readonly denial: Denial;
      readonly cause?: Error;
      readonly report?: ExchangeReport;
    }
  /** The response had begun and was aborted on both sides: a truncated body must not look complete. */
  | {
      readonly kind: "aborted";
      readonly status: number;
      readonly cause?: Error;
      readonly report: ExchangeReport;
    }
  | { readonly kind: "client_disconnected"; readonly report?: ExchangeReport };
