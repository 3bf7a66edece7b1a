import type { ChartBlock } from '../api/types'
import { colourOf, valueText } from './series'
import styles from './LineChart.module.css'

const WIDTH = 340
const HEIGHT = 120
const LEFT = 4
const BOTTOM = 4

export function LineChart({ block, label }: { block: ChartBlock; label: string }) {
  const known = block.series
    .flatMap((series) => series.points.map((point) => point[1]))
    .filter((value) => value !== null)
  const highest = Math.max(...known, 0)
  const lowest = Math.min(...known, 0)
  const spread = highest - lowest || 1
  const longest = Math.max(...block.series.map((series) => series.points.length), 2)
  const x = (index: number) => round(LEFT + ((WIDTH - LEFT) * index) / (longest - 1))
  const y = (value: number) => round(HEIGHT - BOTTOM - ((HEIGHT - 2 * BOTTOM) * (value - lowest)) / spread)
  return (
    <div>
      <svg className={styles.line} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        {[0, 0.5, 1].map((share) => (
          <line
            key={share}
            x1={0}
            x2={WIDTH}
            y1={y(lowest + spread * share)}
            y2={y(lowest + spread * share)}
            className={styles.grid}
          />
        ))}
        {block.series.map((series, at) => (
          <path
            key={series.name}
            d={linePath(
              series.points.map((point) => point[1]),
              x,
              y,
            )}
            stroke={colourOf(at)}
            className={styles.path}
          />
        ))}
        <text x={WIDTH} y={10} className={styles.tick}>
          {valueText(highest, block.unit)}
        </text>
      </svg>
      {block.series.length > 1 && (
        <ul className={styles.legend}>
          {block.series.map((series, at) => (
            <li key={series.name}>
              <span style={{ background: colourOf(at) }} />
              {series.name}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

/** Path of a series; a missing value ends the line, and the next known one starts a new one. */
export function linePath(
  values: (number | null)[],
  x: (index: number) => number,
  y: (value: number) => number,
): string {
  let path = ''
  values.forEach((value, index) => {
    if (value !== null) {
      const joined = index > 0 && values[index - 1] !== null
      path += `${joined ? 'L' : 'M'}${x(index)} ${y(value)}`
    }
  })
  return path
}

function round(value: number): number {
  return Number(value.toFixed(1))
}
