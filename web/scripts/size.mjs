// First-load budget: what index.html loads before anything is clicked, gzipped as the gateway sends it.
import { readFileSync, readdirSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const KIB = 1024
const BUDGET_KB = { js: 230, css: 25, lazyChunk: 80 }

const root = new URL('../../build/web/', import.meta.url)
const html = readFileSync(new URL('index.html', root), 'utf8')
const named = [...html.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map((match) => match[1])
const files = readdirSync(new URL('assets/', root)).map((name) => `assets/${name}`)
const sizes = new Map(
  ['theme.js', ...files].map((name) => [
    name,
    gzipSync(readFileSync(new URL(name, root)), { level: 9 }).length,
  ]),
)
const kb = (size) => (size / KIB).toFixed(1).padStart(7)
const sum = (names) => names.reduce((total, name) => total + (sizes.get(name) ?? 0), 0)

const first = new Set(named)
const js = [...first].filter((name) => name.endsWith('.js'))
const css = [...first].filter((name) => name.endsWith('.css'))
const lazy = files.filter((name) => /\.(js|css)$/.test(name) && !first.has(name))

console.log('first load, KB gzip')
for (const name of [...js, ...css]) {
  console.log(`${kb(sizes.get(name) ?? 0)}  ${name}`)
}
console.log('on demand, KB gzip')
for (const name of lazy.sort((a, b) => sizes.get(b) - sizes.get(a))) {
  console.log(`${kb(sizes.get(name))}  ${name}`)
}

const failures = [
  ['first-load JS', sum(js), BUDGET_KB.js],
  ['first-load CSS', sum(css), BUDGET_KB.css],
  ...lazy.map((name) => [name, sizes.get(name), BUDGET_KB.lazyChunk]),
].filter(([, size, budget]) => size > budget * KIB)
console.log(`JS ${kb(sum(js))} of ${BUDGET_KB.js}, CSS ${kb(sum(css))} of ${BUDGET_KB.css}`)
for (const [name, size, budget] of failures) {
  console.error(`over budget: ${name} is ${kb(size)} KB of ${budget}`)
}
process.exit(failures.length ? 1 : 0)
