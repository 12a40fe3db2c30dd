import type { ServerResponse } from "node:http";
import { createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startStreamingTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";

/** A capability for the target, and the one that revokes its membrane. */
export interface ExportedTarget {
  readonly token: string;
  readonly revoke: string;
  /** Of its membrane. */
  readonly name: string;
}

/** A service in a process, and a target whose responses to requests with the header `X-Slow` are ended by the test. */
export interface HeldResponses extends AsyncDisposable {
  readonly service: ServiceProcess;
  /** Makes membranes. */
  readonly create: string;
  readonly target: TestTarget;
  /** Responses of the target that have begun, and that no test has taken from here. */
  readonly begun: ServerResponse[];
  /** Makes a membrane, and exports the target through it, with these fields. */
  exportTarget(body?: object): Promise<ExportedTarget>;
}

/** @param flags of the service. */
export async function startHeldResponses(flags: readonly string[]): Promise<HeldResponses> {
  const directory = await temporaryDirectory();
  const service = await spawnService(directory.path, { flags });
  const { create } = await firstTokens(directory.path);
  const begun: ServerResponse[] = [];
  const target = await startStreamingTarget((request, response) => {
    request.resume();
    response.writeHead(Number(request.headers["x-status"] ?? 200));
    if (request.headers["x-slow"] === undefined) return void response.end("0123456789");
    response.write("begun");
    begun.push(response);
  });
  let names = 0;
  return {
    service,
    create,
    target,
    begun,
    async exportTarget(body = {}) {
      names += 1;
      const name = `m${names}`;
      const membrane = await createMembrane(service, create, name);
      const exported = { uri: target.url, allowHeaders: ["x-status", "x-slow"], ...body };
      return {
        token: await exportThrough(service, membrane.export, exported),
        revoke: membrane.revoke,
        name,
      };
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}
