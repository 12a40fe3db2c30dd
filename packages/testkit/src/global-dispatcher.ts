import { Agent, getGlobalDispatcher, setGlobalDispatcher } from "undici";

/** Lets undici's functions trust this CA until it is disposed of, since files of tests can share a process. */
export function trustGlobally(ca: string): AsyncDisposable {
  const before = getGlobalDispatcher();
  const agent = new Agent({ connect: { ca } });
  setGlobalDispatcher(agent);
  return {
    async [Symbol.asyncDispose]() {
      setGlobalDispatcher(before);
      await agent.destroy();
    },
  };
}
