// @vitest-environment node
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

type Rgb = [number, number, number]

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8')

/** Tokens of a theme as the browser reads them. */
function tokens(theme: 'dark' | 'light'): Record<string, string> {
  const block = new RegExp(`\\[data-theme='${theme}'\\] \\{([^}]*)\\}`).exec(css)?.[1] ?? ''
  return Object.fromEntries(
    [...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)].map((match) => [match[1]!, match[2]!]),
  )
}

function linear(hex: string): Rgb {
  const channel = (at: number) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return [channel(1), channel(3), channel(5)]
}

// Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
const VISION: Record<string, number[][]> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
}

function seen(colour: Rgb, matrix: number[][]): Rgb {
  return matrix.map((row) =>
    Math.min(1, Math.max(0, row[0]! * colour[0] + row[1]! * colour[1] + row[2]! * colour[2])),
  ) as Rgb
}

/** CIE L*a*b* under D65. */
function lab([r, g, b]: Rgb): Rgb {
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116)
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047)
  const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b)
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883)
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
}

function distance(one: string, other: string, vision: string): number {
  const [a, b] = [one, other].map((hex) => lab(seen(linear(hex), VISION[vision]!)))
  return Math.hypot(a![0] - b![0], a![1] - b![1], a![2] - b![2])
}

/** WCAG 2 contrast. */
function contrast(one: string, other: string): number {
  const luminance = (hex: string) => {
    const [r, g, b] = linear(hex)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

const APART = 20
const READABLE = 4.5

for (const theme of ['dark', 'light'] as const) {
  const token = tokens(theme)
  const get = (name: string) => {
    expect(token[name], `--${name} in ${theme}`).toBeDefined()
    return token[name]!
  }

  for (const vision of Object.keys(VISION)) {
    test(`${theme}: warning and critical stay apart with ${vision} vision`, () => {
      expect(distance(get('warn'), get('crit'), vision)).toBeGreaterThanOrEqual(APART)
    })
  }

  test(`${theme}: status colours and texts are readable on every surface they are used on`, () => {
    const words = ['ok', 'warn', 'crit', 'info', 'unknown', 'text-1', 'text-2', 'text-3', 'accent', 'ai']
    const tooFaint = words.flatMap((word) =>
      ['bg', 'surface', 'surface-2']
        .filter((surface) => contrast(get(word), get(surface)) < READABLE)
        .map((surface) => `${word} on ${surface} ${contrast(get(word), get(surface)).toFixed(2)}`),
    )
    expect(tooFaint).toEqual([])
  })

  test(`${theme}: text on filled chips and buttons is readable`, () => {
    expect(contrast(get('on-crit'), get('crit-fill'))).toBeGreaterThanOrEqual(READABLE)
    expect(contrast(get('on-accent'), get('accent-fill'))).toBeGreaterThanOrEqual(READABLE)
    for (const word of ['text-1', 'text-2', 'accent']) {
      expect(contrast(get(word), get('accent-soft'))).toBeGreaterThanOrEqual(READABLE)
      expect(contrast(get(word === 'accent' ? 'text-1' : word), get('crit-soft'))).toBeGreaterThanOrEqual(
        READABLE,
      )
    }
  })

  test(`${theme}: code colours are readable`, () => {
    for (const code of ['code-key', 'code-string', 'code-number', 'code-comment']) {
      expect(contrast(get(code), get('surface'))).toBeGreaterThanOrEqual(READABLE)
    }
  })
}

test('the distance notices the palette that collapsed', () => {
  // A first palette whose warn and crit looked alike under deuteranopia, although every contrast check passed.
  expect(distance('#b45309', '#b91c1c', 'deuteranopia')).toBeLessThan(APART)
})
