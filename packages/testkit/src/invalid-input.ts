import { expect } from "vitest";
import { call, createMembrane, expectStatus, exportThrough } from "./client.ts";
import { openRawStore } from "./store-access.ts";
import type { TestService } from "./service.ts";
import { startTestService } from "./service.ts";
import { until } from "./until.ts";

/** A text in invalid values that must appear in no response and no log. */
export const CANARY = "canary7a31";

/** Values that are not strings. */
export const NON_TEXT_VALUES: readonly unknown[] = [null, true, 0, {}, [], [CANARY], { id: CANARY }];

/** A service to send invalid input to. */
export interface InvalidInputFixture extends AsyncDisposable {
  readonly service: TestService;
  /** Token of a valid `export` capability. */
  readonly exportToken: string;
  /** Token of an exported capability whose membrane is revoked. */
  readonly revokedToken: string;
  /** Reads all rows of the store, except the one that every write changes. */
  contents(): Promise<readonly string[]>;
  /**
   * Expects a 400 for each body that names the field; nothing is stored, and no secret is returned.
   *
   * @param expected the message after the field. Default: any.
   */
  expectRefused(token: string, field: string, bodies: readonly unknown[], expected?: string): Promise<void>;
}

export async function startInvalidInputFixture(): Promise<InvalidInputFixture> {
  const service = await startTestService({ aliases: ["alias.test"] });
  const membrane = await createMembrane(service, service.tokens.create, "m");
  const gone = await createMembrane(service, service.tokens.create, "gone");
  const revokedToken = await exportThrough(service, gone.export, { uri: "https://example.com/" });
  expectStatus(await call(service, gone.revoke, { method: "POST" }), 202);
  await until("the sweep ends", async () => !(await service.data.store.sweep(100)).more);

  const raw = await openRawStore(service.directory);
  const contents = async (): Promise<readonly string[]> => {
    const rows = (await raw.rows()).filter(({ key }) => key.toString() !== "touched");
    return rows.map(({ table, key, value }) => `${table} ${key.toString("hex")} ${value.toString("hex")}`);
  };
  return {
    service,
    exportToken: membrane.export,
    revokedToken,
    contents,
    async expectRefused(token, field, bodies, expected = "") {
      const before = await contents();
      for (const body of bodies) {
        const response = await call(service, token, { body: JSON.stringify(body) });
        const what = JSON.stringify(body).slice(0, 200);
        expect(response.status, what).toBe(400);
        expect(response.json, what).toMatchObject({ statusCode: 400, error: "Bad Request" });
        const start = `${field}: expected ${expected}`;
        expect(response.json.message.startsWith(start), `${what}: ${response.text}`).toBe(true);
        expect(response.headers["cache-control"]).toBe("no-store");
        expect(response.text, what).not.toContain(CANARY);
        expect(response.text, what).not.toContain("CPBLTY1-");
      }
      expect(await contents()).toEqual(before);
      expect(service.logged()).not.toContain(CANARY);
    },
    async [Symbol.asyncDispose]() {
      await raw[Symbol.asyncDispose]();
      await service.close();
    },
  };
}
