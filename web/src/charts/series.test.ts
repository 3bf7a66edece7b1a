import { expect, test } from 'vitest'
import type { ChartBlock } from '../api/types'
import { linePath } from './LineChart'
import { summary, valueText } from './series'

const block: ChartBlock = {
  type: 'chart',
  title: 'Restarts',
  chart: 'bar',
  unit: '',
  series: [
    {
      name: '',
      points: [
        ['cart', 12],
        ['web', 3],
        ['api', null],
      ],
    },
  ],
}

test('the summary names the extremes and leaves out what is not known', () => {
  expect(summary(block)).toBe('highest 12 at cart, lowest 3 at web')
})

test('a series without a known value says so', () => {
  expect(summary({ ...block, series: [{ name: 'cpu', points: [['a', null]] }] })).toBe('cpu: no data')
})

test('values take their unit', () => {
  expect(valueText(2048, 'bytes')).toBe('2 KiB')
  expect(valueText(0.25, 'cores')).toBe('250m')
  expect(valueText(41.26, '%')).toBe('41.3%')
  expect(valueText(null, '%')).toBe('–')
})

test('a gap in a series breaks its line instead of bridging it', () => {
  expect(
    linePath(
      [1, 2, null, 4, 5],
      (index) => index,
      (value) => value,
    ),
  ).toBe('M0 1L1 2M3 4L4 5')
})
