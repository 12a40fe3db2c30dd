import { sentRequestOf, testMeter } from "./fixtures.ts";
import type { StubPool, StubResponse } from "./stub-http.ts";
import { stubExchange } from "./stub-http.ts";
import type { Outcome } from "../../service/src/domain/denial.ts";
import type { Uid } from "../../service/src/domain/uid.ts";
import { createChunkScheduler } from "../../service/src/collections/chunk-scheduler.ts";
import type { ExchangeEnd } from "../../service/src/invocation/exchange-context.ts";
import { Exchange } from "../../service/src/invocation/exchange.ts";
import { RequestCutError } from "../../service/src/invocation/in-flight-registry.ts";
import { PassedHeads } from "../../service/src/invocation/passed-heads.ts";
import type { Tickable } from "../../service/src/invocation/ticker.ts";
import { createAccountRegistry } from "../../service/src/invocation/usage-accounts.ts";
import { createWaitingResponses } from "../../service/src/invocation/waiting-responses.ts";

/** An exchange that a test drives in place of the ports. */
export interface Driven {
  readonly ended: Promise<ExchangeEnd>;
  readonly response: StubResponse;
  readonly tick: (elapsedMs: number) => void;
  readonly revoke: (code?: RequestCutError["code"]) => void;
}

/** Starts an exchange over a pool. Its request is signed with a constant, and may take a second for its response. */
export function startExchange(
  pool: StubPool,
  {
    method = "GET",
    recheck = () => true,
    isConnected = true,
    isExpired = false,
    countUse,
  }: {
    readonly method?: string;
    readonly recheck?: () => boolean;
    readonly isConnected?: boolean;
    readonly isExpired?: boolean;
    readonly countUse?: () => Promise<Outcome<void>>;
  } = {},
): Driven {
  const { response } = stubExchange({ method });
  if (!isConnected) response.req.socket.disconnect();
  const accountRegistry = createAccountRegistry();
  const accounts = accountRegistry.accountsOf({ capabilities: ["c" as Uid], tenants: ["t" as Uid] });
  let revoke: Driven["revoke"] = () => undefined;
  const inFlight = {
    isRevoked: false,
    checkExpiry: () => isExpired && revoke(),
    onRevoke(listener: (cause: RequestCutError) => void) {
      revoke = (code = isExpired ? "EXPIRED" : "REVOKED") => listener(new RequestCutError(code));
    },
    onFinish: () => undefined,
    finishInvocation: () => undefined,
  };
  let now = 0;
  const ticking = new Set<Tickable>();
  const exchange = new Exchange(
    response,
    { inFlight, accounts, arrivedAt: 0 },
    {
      recheck,
      passedHeads: new PassedHeads([]),
      ticker: {
        now: () => now,
        add: (one) => void ticking.add(one),
        delete: (one) => void ticking.delete(one),
        stop: () => undefined,
      },
      meter: testMeter(),
      minResponseRate: { windowMs: 1_000, bytesPerSecond: 1 },
      invocationTimeoutMs: 60_000,
      ensureFresh: () => undefined,
      countChunk: () => undefined,
      chunkScheduler: createChunkScheduler(),
      waitingResponses: createWaitingResponses(1_000_000, accountRegistry),
    },
  );
  exchange.start(pool, {
    method,
    path: "/",
    sign: () => ["Authorization", "signed"],
    countUse,
    body: null,
    sentRequest: sentRequestOf({ uri: "https://example.com/" }),
    responseTimeoutMs: 1_000,
    idleTimeoutMs: 1_000,
  });
  return {
    ended: exchange.ended,
    response,
    tick: (elapsedMs) => {
      now = elapsedMs;
      ticking.forEach((one) => one.tick(elapsedMs));
    },
    revoke: (code) => revoke(code),
  };
}
