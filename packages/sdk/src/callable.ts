type Constructor = abstract new (...values: never[]) => object;

/** A class that can also be called without `new`. */
export type Callable<C extends Constructor> = C & ((...values: ConstructorParameters<C>) => InstanceType<C>);

/** Makes a class callable without `new`: the classes of the original SDK were functions, and programs call them without it. */
export function callable<C extends Constructor>(constructor: C): Callable<C> {
  const proxy = new Proxy(constructor, {
    apply: (target, _self, values) => Reflect.construct(target, values),
  });
  // A proxy has the type of its target, so the compiler does not know that its handler makes it callable.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return proxy as Callable<C>;
}
