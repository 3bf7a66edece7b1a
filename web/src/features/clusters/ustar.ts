/**
 * Writes tar archives (POSIX ustar, with pax headers for long names) as a stream, so that a dropped folder of
 * any size is packed without holding it in memory. Only regular files: links and devices never leave the browser.
 */

export interface ArchiveFile {
  /** Path inside the archive, with `/`, relative. */
  path: string
  size: number
  modifiedAt: number
  stream: () => ReadableStream<Uint8Array>
}

const BLOCK = 512
const NAME_BYTES = 100
const PREFIX_BYTES = 155
const text = new TextEncoder()

/** A gzipped tar of the files. */
export function packFolder(files: ArchiveFile[], onProgress: (fraction: number) => void): Promise<Blob> {
  const total = files.reduce((sum, file) => sum + file.size, 0) || 1
  let done = 0
  const stream = tarStream(files, (size) => {
    done += size
    onProgress(done / total)
  })
  return new Response(stream.pipeThrough(new CompressionStream('gzip'))).blob()
}

export function tarStream(
  files: ArchiveFile[],
  onBytes: (size: number) => void = () => {},
): ReadableStream<BufferSource> {
  const chunks = tarChunks(files, onBytes)
  return new ReadableStream({
    async pull(controller) {
      const next = await chunks.next()
      if (next.done) {
        controller.close()
      } else {
        controller.enqueue(next.value)
      }
    },
  })
}

async function* tarChunks(
  files: ArchiveFile[],
  onBytes: (size: number) => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const file of files) {
    yield* headers(file)
    let written = 0
    const reader = file.stream().getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) {
        break
      }
      written += value.byteLength
      onBytes(value.byteLength)
      yield value as Uint8Array<ArrayBuffer>
    }
    if (written !== file.size) {
      throw new Error(`${file.path} changed while it was read; drop the folder again.`)
    }
    yield padding(written)
  }
  yield new Uint8Array(2 * BLOCK)
}

function* headers(file: ArchiveFile): Generator<Uint8Array<ArrayBuffer>> {
  const split = splitPath(file.path)
  if (split) {
    yield header(split.prefix, split.name, file.size, file.modifiedAt, '0')
    return
  }
  const record = paxRecord('path', file.path)
  yield header('', 'PaxHeader', record.byteLength, file.modifiedAt, 'x')
  yield record
  yield padding(record.byteLength)
  yield header('', text.encode(file.path).slice(0, NAME_BYTES), file.size, file.modifiedAt, '0')
}

/** The path as ustar's prefix and name, or null when it does not fit. */
function splitPath(path: string): { prefix: string; name: string } | null {
  if (text.encode(path).byteLength <= NAME_BYTES) {
    return { prefix: '', name: path }
  }
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const prefix = path.slice(0, at)
    const name = path.slice(at + 1)
    if (
      text.encode(prefix).byteLength <= PREFIX_BYTES &&
      text.encode(name).byteLength <= NAME_BYTES &&
      name
    ) {
      return { prefix, name }
    }
  }
  return null
}

function header(
  prefix: string,
  name: string | Uint8Array,
  size: number,
  modifiedAt: number,
  type: '0' | 'x',
): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK)
  const put = (value: string | Uint8Array, at: number) =>
    block.set(typeof value === 'string' ? text.encode(value) : value, at)
  put(name, 0)
  put('0000644\0', 100)
  put('0000000\0', 108)
  put('0000000\0', 116)
  put(octal(size, 11), 124)
  put(octal(Math.max(0, Math.floor(modifiedAt / 1000)), 11), 136)
  put('        ', 148)
  put(type, 156)
  put('ustar\x0000', 257)
  put(prefix, 345)
  const sum = block.reduce((total, byte) => total + byte, 0)
  put(`${octal(sum, 6)} `, 148)
  return block
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0') + '\0'
}

/** `<length> path=<value>\n`, where the length counts itself. */
function paxRecord(key: string, value: string): Uint8Array<ArrayBuffer> {
  const body = ` ${key}=${value}\n`
  const bodyBytes = text.encode(body).byteLength
  let length = bodyBytes
  while (String(length).length + bodyBytes !== length) {
    length = String(length).length + bodyBytes
  }
  return text.encode(`${length}${body}`) as Uint8Array<ArrayBuffer>
}

function padding(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK)
}
