// @vitest-environment node
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { packFolder, type ArchiveFile } from './ustar'

const folder = mkdtempSync(join(tmpdir(), 'ustar-'))
afterAll(() => rmSync(folder, { recursive: true }))

function aFile(path: string, content: string): ArchiveFile {
  const blob = new Blob([content])
  return {
    path,
    size: blob.size,
    modifiedAt: Date.parse('2026-11-22T10:00:00Z'),
    stream: () => blob.stream(),
  }
}

/** Packs, then lets the system's own tar unpack: the judge is not this code. */
async function unpacked(files: ArchiveFile[]): Promise<string[]> {
  const archive = join(folder, 'packed.tar.gz')
  writeFileSync(archive, Buffer.from(await (await packFolder(files, () => {})).arrayBuffer()))
  execFileSync('tar', ['xzf', archive, '-C', folder])
  return execFileSync('tar', ['tzf', archive], { encoding: 'utf8' }).trim().split('\n')
}

test('tar reads back each file with its content', async () => {
  const names = await unpacked([
    aFile('dump/nodes.json', '{"items":[]}'),
    aFile('dump/shop/pods.json', 'x'.repeat(1025)),
  ])
  expect(names).toEqual(['dump/nodes.json', 'dump/shop/pods.json'])
  expect(readFileSync(join(folder, 'dump/shop/pods.json'), 'utf8')).toHaveLength(1025)
})

test('a path over 100 bytes is kept whole', async () => {
  const pod = 'checkout-6d9f7c5b4-' + 'x'.repeat(40)
  const path = `dump/a-rather-long-namespace-name/${pod}/logs-previous-a-rather-long-container-name.txt`
  expect(await unpacked([aFile(path, 'line')])).toEqual([path])
})

test('a name that ustar cannot hold is kept by a pax header', async () => {
  const path = `dump/${'n'.repeat(140)}.json`
  expect(await unpacked([aFile(path, 'abc')])).toEqual([path])
  expect(readFileSync(join(folder, path), 'utf8')).toBe('abc')
})

test('an empty file and non-ASCII names survive', async () => {
  await unpacked([aFile('dump/leer.txt', ''), aFile('dump/größe.txt', 'ü')])
  expect(readFileSync(join(folder, 'dump/größe.txt'), 'utf8')).toBe('ü')
  expect(readFileSync(join(folder, 'dump/leer.txt'), 'utf8')).toBe('')
})

test('a file that shrank while it was read is an error, not a broken archive', async () => {
  const file = { ...aFile('a', 'abc'), size: 5 }
  await expect(packFolder([file], () => {})).rejects.toThrow('changed while it was read')
})

test('progress ends at one', async () => {
  const seen: number[] = []
  await packFolder([aFile('a', 'abc'), aFile('b', 'defg')], (fraction) => seen.push(fraction))
  expect(seen.at(-1)).toBe(1)
})
