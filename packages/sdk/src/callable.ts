type Constructor = abstract new (...values: never[]) => object;

/** A class that can also be called without `new`. */
export type Callable<C extends Constructor> = C & ((...values: ConstructorParameters<C>) => InstanceType<C>);

/** The original's classes were functions that did not need `new`, and programs call them so. */
export function callable<C extends Constructor>(constructor: C): Callable<C> {
  const proxy = new Proxy(constructor, {
    apply: (target, _self, values) => Reflect.construct(target, values),
  });
  // A proxy has the type of its target; that it can be called is known to its handler alone.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return proxy as Callable<C>;
}
