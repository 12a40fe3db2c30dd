import type { ListenHttp } from "../listener.ts";
import { createConnectionQueue } from "./connection-queue.ts";
import { startNodeServer } from "./server.ts";

/** Starts a listener on `node:http` or `node:https`. */
export const listenOnNode: ListenHttp = async (options, handle) => {
  const { pipeline, onError, onOverflow } = options;
  const enqueue = createConnectionQueue(pipeline, {
    onError(error, socket) {
      onError(error);
      socket.destroy();
    },
    onOverflow,
  });
  const listener = await startNodeServer(
    {
      ...options,
      onConnection: enqueue.accept,
      isPaused: enqueue.isPaused,
      isUnused: enqueue.isUnused,
    },
    (request, response) => {
      const exchange = { request, response };
      void enqueue(exchange, () => handle(exchange));
    },
  );
  return { ...listener, idle: enqueue.idle };
};
