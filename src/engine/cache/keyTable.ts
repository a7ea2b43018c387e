// A hash table from sample keys to where their rows lie, in typed arrays: a million samples take 32 MB, and no strings.
// Open addressing with linear probing; the keys are hashes themselves, so their first bits spread them well.

/** 32-bit words of a key. */
export const KEY_WORDS = 4;

/** Keys one after the other, `KEY_WORDS` words each. */
export type Keys = Int32Array;

export class KeyTable {
  private slots = new Int32Array(64).fill(-1);
  private words = new Int32Array(32 * KEY_WORDS);
  private places = new Float64Array(32);
  private count = 0;

  /** The place of key `index` of `keys`, or -1. */
  get(keys: Keys, index: number): number {
    const entry = this.slots[this.probe(keys, index * KEY_WORDS)];
    return entry < 0 ? -1 : this.places[entry];
  }

  /** `place` -1 takes the key out. */
  set(keys: Keys, index: number, place: number): void {
    let slot = this.probe(keys, index * KEY_WORDS);
    if (this.slots[slot] < 0) {
      if (this.count === this.places.length) {
        this.grow();
        slot = this.probe(keys, index * KEY_WORDS);
      }
      for (let word = 0; word < KEY_WORDS; word++)
        this.words[this.count * KEY_WORDS + word] = keys[index * KEY_WORDS + word];
      this.slots[slot] = this.count++;
    }
    this.places[this.slots[slot]] = place;
  }

  /** The slot that holds the key at `at`, or the free one where it belongs. */
  private probe(keys: Keys, at: number): number {
    const { slots, words } = this;
    const last = slots.length - 1;
    for (let slot = keys[at] & last; ; slot = (slot + 1) & last) {
      const entry = slots[slot];
      if (entry < 0) return slot;
      const from = entry * KEY_WORDS;
      let word = 0;
      while (word < KEY_WORDS && words[from + word] === keys[at + word]) word++;
      if (word === KEY_WORDS) return slot;
    }
  }

  /** At most half of the slots are taken. */
  private grow(): void {
    const words = new Int32Array(this.words.length * 2);
    words.set(this.words);
    this.words = words;
    const places = new Float64Array(this.places.length * 2);
    places.set(this.places);
    this.places = places;
    this.slots = new Int32Array(this.slots.length * 2).fill(-1);
    for (let entry = 0; entry < this.count; entry++)
      this.slots[this.probe(words, entry * KEY_WORDS)] = entry;
  }
}
