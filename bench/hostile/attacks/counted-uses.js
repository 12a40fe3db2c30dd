// Uses that are counted: each is a durable write of the store before a byte goes to the target, and each refusal a read of it.

/** More than an attack can use up. */
const ENDLESS = 1_000_000_000;
const WINDOW = { maxUses: 10, maxUsesEveryMs: 1_000 };

/** @type {Omit<import("../attacks.js").Attack, "name">} */
const SPENDERS = {
  async prepare({ own, targets }) {
    const limits = [{ maxUses: ENDLESS }, WINDOW, { maxUses: 1 }];
    const tokens = await Promise.all(limits.map((one) => own.exported({ uri: targets.plain, limits: one })));
    return { tokens };
  },
  act(client, { tokens: [endless, windowed, once] }) {
    client.all(8, () => client.call(endless), 0);
    client.all(4, () => client.call(windowed), 0);
    client.all(4, () => client.call(once), 0);
  },
  shows: { 200: 200, "429 quota_exhausted": 100, "401 unauthorized": 100 },
};

/** @type {readonly import("../attacks.js").Attack[]} */
export const COUNTED_USES = [
  { name: "16 clients that use counted capabilities", ...SPENDERS },
  { name: "revokes while 16 clients use counted capabilities", measured: "revokes", ...SPENDERS },
];
