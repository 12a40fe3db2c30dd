import { expect, test } from "vitest";
import { callable } from "./callable.ts";

class Plain {
  static readonly fact = "static";
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  tell(): string {
    return this.#secret;
  }
}

const Called = callable(Plain);

test("calls with and without new make instances of the class from the same arguments", () => {
  for (const made of [Called("s"), new Called("s")]) {
    expect(made).toBeInstanceOf(Called);
    expect(made).toBeInstanceOf(Plain);
    expect(made.tell()).toBe("s");
  }
});

test("a callable class has the statics and the name of the class, and can be extended", () => {
  class Further extends Called {
    override tell(): string {
      return `further ${super.tell()}`;
    }
  }
  expect(Called.fact).toBe("static");
  expect(Called.name).toBe("Plain");
  expect(new Further("s").tell()).toBe("further s");
  expect(new Further("s")).toBeInstanceOf(Called);
});

test("a callable class can be called without new as a method of any object", () => {
  const sdk = { Called };
  expect(sdk.Called("s").tell()).toBe("s");
});
