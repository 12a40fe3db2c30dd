import type { Denial } from "../domain/denial.ts";
import type { DownstreamResponse } from "../http1/downstream.ts";
import type { UsageAccount, UsageAccounts, AccountRegistry } from "./usage-accounts.ts";
import { createBufferBudget } from "./buffer-budget.ts";
import type { BufferShare } from "./buffered-body.ts";
import type { WaitingEntry } from "./waiting-order.ts";
import { WaitingOrder } from "./waiting-order.ts";

/** What tells that a response is over, whether it has a body or is the bytes of a tunnel. */
interface ClosingEvents {
  once(event: "close", listener: () => void): unknown;
  off(event: "close", listener: () => void): unknown;
}

/** A response that may have to wait for its client. */
export interface WaitingResponse {
  readonly response: Pick<DownstreamResponse, "destroyed"> & ClosingEvents;
  /** Its bytes count against them while it waits. */
  readonly accounts: UsageAccounts;
  /** Bytes that are in memory because its client has not taken them; none if it does not wait. */
  readonly bufferedBytes: number;
  /** Set while its bytes are counted, only by {@link WaitingResponses}. */
  reservation: Reservation | undefined;
  /** Aborts it. Called when its bytes are not counted any more. */
  evict(): void;
}

/** The bytes of a response that are counted while it waits. */
export interface Reservation {
  readonly share: BufferShare;
  readonly bytes: number;
  readonly entry: WaitingEntry<WaitingResponse>;
  readonly onClose: () => void;
}

/**
 * The memory of responses that wait for their clients. A client that does not read is aborted only after a minute, and a tenant
 * has thousands of connections. So what waits counts against its capability and its tenant; when one of them uses up its share, its
 * response that has waited longest is aborted: clients that read wait for milliseconds.
 */
export interface WaitingResponses {
  /** Counts a response, if it still waits in the next turn of the event loop: nearly all are written by then. */
  watch(response: WaitingResponse): void;
  /** Its client has taken everything. */
  release(response: WaitingResponse): void;
}

/** @param limit of all that waits, in bytes. */
export function createWaitingResponses(
  limit: number,
  accountRegistry: Pick<AccountRegistry, "refresh">,
): WaitingResponses {
  const budget = createBufferBudget(limit, "waitingBytes", accountRegistry);
  /** Those whose bytes are counted. */
  const waiting = new WaitingOrder<WaitingResponse>();
  let watched: WaitingResponse[] = [];

  const release = (response: WaitingResponse): void => {
    const { reservation } = response;
    if (reservation === undefined) return;
    response.reservation = undefined;
    response.response.off("close", reservation.onClose);
    reservation.share.release(reservation.bytes);
    waiting.delete(reservation.entry);
  };
  const reserve = (response: WaitingResponse): void => {
    const bytes = response.bufferedBytes;
    // One that is closed already would never report it.
    if (bytes === 0 || response.reservation !== undefined || response.response.destroyed) return;
    const share = budget.shareFor(response.accounts);
    for (let denied = share.reserve(bytes); denied !== undefined; denied = share.reserve(bytes)) {
      const longest = longestWaiting(waiting, response.accounts, denied);
      // It alone is more than a share.
      if (longest === undefined) return response.evict();
      release(longest);
      longest.evict();
    }
    const onClose = (): void => release(response);
    response.reservation = { share, bytes, entry: waiting.add(response, response.accounts), onClose };
    response.response.once("close", onClose);
  };
  const reserveWatched = (): void => {
    const responses = watched;
    watched = [];
    for (const response of responses) reserve(response);
  };

  return {
    watch(response) {
      watched.push(response);
      if (watched.length === 1) setImmediate(reserveWatched);
    },
    release,
  };
}

/** Watches a response that was written whole. */
export function watchEnded(
  waiting: WaitingResponses,
  response: DownstreamResponse,
  accounts: UsageAccounts,
): void {
  if (response.writableLength === 0) return;
  waiting.watch({
    response,
    accounts,
    get bufferedBytes() {
      return response.writableLength;
    },
    reservation: undefined,
    evict: () => response.abort(),
  });
}

/**
 * Which response makes room for another one: of the capability or the tenant that has used up its share. If none of theirs waits,
 * or the budget is used up, it is one of the tenant that has most.
 */
function longestWaiting(
  waiting: WaitingOrder<WaitingResponse>,
  accounts: UsageAccounts,
  { reason }: Denial,
): WaitingResponse | undefined {
  const kind = reason === "capability_concurrency_exceeded" ? "capabilities" : "tenants";
  const full = reason === "service_overloaded" ? undefined : largest(accounts[kind]);
  const longest = full === undefined ? undefined : waiting.longestOf(full);
  return longest ?? waiting.longestOfLargestTenant();
}

function largest(accounts: readonly UsageAccount[]): UsageAccount | undefined {
  let result: UsageAccount | undefined;
  for (const account of accounts)
    if (result === undefined || account.waitingBytes > result.waitingBytes) result = account;
  return result;
}
