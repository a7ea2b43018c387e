// Zip files with any lie in their directory: the reader's opponents.
import { crc32, deflateRawSync } from "node:zlib";

interface ZipEntry {
  readonly name: string;
  readonly content: Buffer;
  /** 0 stored, 8 deflated; anything else is stored and called so. */
  readonly method?: number;
  readonly flags?: number;
  readonly crc?: number;
  readonly uncompressedSize?: number;
}

export function zipFile(entries: readonly ZipEntry[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const { content, method = 0, flags = 0 } = entry;
    const packed = method === 8 ? deflateRawSync(content) : content;
    const name = Buffer.from(entry.name);
    // Version, flags, method, time and date, checksum, sizes, lengths of name and extra.
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(flags, 2);
    fields.writeUInt16LE(method, 4);
    fields.writeUInt32LE(entry.crc ?? crc32(content), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(entry.uncompressedSize ?? content.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const start = Buffer.from("PK\x03\x04", "latin1");
    local.push(start, fields, name, packed);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    central.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), fields, place, name);
    offset += start.length + fields.length + name.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}
