import { expect } from "vitest";
import { call, createMembrane, expectStatus, exportThrough } from "./client.ts";
import { openRawStore } from "./raw-store.ts";
import type { TestService } from "./service.ts";
import { startTestService } from "./service.ts";

/** Stands in values that are wrong: it comes back in no response and stands in no log. */
export const CANARY = "canary7a31";

/** Values that are no text. */
export const NON_TEXT_VALUES: readonly unknown[] = [null, true, 0, {}, [], [CANARY], { id: CANARY }];

/** A service that is to be handed bad input, and what it needs to be. */
export interface InvalidInputFixture extends AsyncDisposable {
  readonly service: TestService;
  /** Token of an `export` capability that works. */
  readonly exportToken: string;
  /** Token of an exported capability whose membrane is revoked. */
  readonly revokedToken: string;
  /** All rows of the store, but the one that every write touches. */
  contents(): Promise<readonly string[]>;
  /**
   * Every body is answered with a 400 that names the field; nothing is stored, nothing secret comes back.
   *
   * @param expected how the message goes on after the field. Default: in any way.
   */
  expectRefused(token: string, field: string, bodies: readonly unknown[], expected?: string): Promise<void>;
}

export async function startInvalidInputFixture(): Promise<InvalidInputFixture> {
  const service = await startTestService({ aliases: ["alias.test"] });
  const membrane = await createMembrane(service, service.tokens.create, "m");
  const gone = await createMembrane(service, service.tokens.create, "gone");
  const revokedToken = await exportThrough(service, gone.export, { uri: "https://example.com/" });
  expectStatus(await call(service, gone.revoke, { method: "POST" }), 202);
  while ((await service.data.store.sweep(100)).more);

  const contents = async (): Promise<readonly string[]> => {
    await using raw = await openRawStore(service.directory);
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
    [Symbol.asyncDispose]: () => service.close(),
  };
}
