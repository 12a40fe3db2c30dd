/** What a span is part of. */
export const URL_PART = 0;
export const STATUS_PART = 1;
export const FIELD_PART = 2;
export const VALUE_PART = 3;
export const BODY_PART = 4;

/** Numbers of a span in {@link Spans.numbers}: its part, its offset, its length. */
export const SPAN_NUMBERS = 3;

/** Most heads have fewer. */
const FIRST_CAPACITY = 256;

/**
 * Where the parts of a message are in the bytes that a parser has read, in their order. One list is used for every message of the
 * process: nothing is allocated for a span, and strings are made of them in one place.
 */
export class Spans {
  numbers: Int32Array = new Int32Array(FIRST_CAPACITY * SPAN_NUMBERS);
  count = 0;

  clear(): void {
    this.count = 0;
  }

  /** Twice as large whenever it is full. A span has a byte or a separator, so that the size of a read bounds it. */
  add(part: number, at: number, length: number): void {
    const index = this.count * SPAN_NUMBERS;
    if (index === this.numbers.length) {
      const larger = new Int32Array(2 * index);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    this.numbers[index] = part;
    this.numbers[index + 1] = at;
    this.numbers[index + 2] = length;
    this.count += 1;
  }
}
