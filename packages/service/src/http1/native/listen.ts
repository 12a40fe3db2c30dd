import { sharedLlhttp } from "../llhttp/instance.ts";
import type { HttpExchange } from "../downstream.ts";
import type { ListenHttp } from "../listener.ts";
import { createLanesShare, listenBehind } from "../node/listen.ts";
import { FastLane } from "./fast-lane.ts";

/**
 * Starts a listener with two lanes. The fast one reads the requests of a subset of HTTP/1.1, which nearly all are; what is outside it goes
 * to `node:http`, unread, and stays there until its connection ends. What Node's server does is the reference for both.
 */
export const listenNative: ListenHttp = async (options, handle) => {
  // An llhttp that was not tested refuses the start, and not each request.
  sharedLlhttp();
  const share = createLanesShare(options);
  const lane = new FastLane(options, share, handle);
  const handleOnOtherLane = (exchange: HttpExchange): Promise<void> => {
    lane.onHead(exchange.request.socket);
    return handle(exchange);
  };
  const listener = await listenBehind(lane, share, options, handleOnOtherLane).catch((error: unknown) => {
    lane.stop();
    throw error;
  });
  return {
    ...listener,
    async close(deadlineMs) {
      lane.close();
      await listener.close(deadlineMs);
      lane.stop();
    },
    async idle() {
      // In this order: connections go from the fast lane to the other one, never back.
      await lane.idle();
      await listener.idle();
    },
  };
};
