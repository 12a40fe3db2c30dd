import type { ServerResponse } from "node:http";
import type { Agent } from "undici";
import { request } from "undici";
import { expect } from "vitest";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startStreamingTarget } from "../../../testkit/src/target.ts";

/** Starts a target that sends a first piece at once, and nothing more until the test continues it. */
export async function startEndlessTarget(): Promise<TestTarget & { readonly responses: ServerResponse[] }> {
  const responses: ServerResponse[] = [];
  const target = await startStreamingTarget((_request, response) => {
    responses.push(response);
    response.write("first");
  });
  return { ...target, responses };
}

export interface Stream {
  /** Waits until the stream is aborted; an end as if it were complete is an error. */
  aborted(): Promise<void>;
  next(): Promise<string>;
}

export async function openStream(at: { readonly url: string }, token: string, agent: Agent): Promise<Stream> {
  const response = await request(at.url, {
    headers: { authorization: `Bearer ${token}` },
    dispatcher: agent,
  });
  expect(response.statusCode).toBe(200);
  const chunks = response.body[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = (await chunks.next()) as IteratorResult<Buffer, undefined>;
    if (done === true) throw new Error("the stream ended as if it were complete");
    return value.toString();
  };
  expect(await next()).toBe("first");
  return {
    next,
    async aborted() {
      await expect(chunks.next()).rejects.toThrow(/terminated|other side closed|ECONNRESET|aborted/);
    },
  };
}
