import type { ChartBlock } from '../api/types'
import { colourOf, valueText } from './series'
import styles from './BarChart.module.css'

/** Horizontal bars: names are long in Kubernetes, and a list is read downwards. */
export function BarChart({ block, label }: { block: ChartBlock; label: string }) {
  const values = block.series.flatMap((series) => series.points.map((point) => point[1] ?? 0))
  const most = Math.max(...values, 0) || 1
  return (
    <div className={styles.bars} role="img" aria-label={label}>
      {block.series.map((series, at) =>
        series.points.map(([name, value]) => (
          <div key={`${series.name}/${String(name)}`} className={styles.bar}>
            <span className={styles.name} title={String(name)}>
              {block.series.length > 1 ? `${series.name} ` : ''}
              {String(name)}
            </span>
            <span
              className={styles.track}
              style={{
                backgroundImage: `linear-gradient(${colourOf(at)}, ${colourOf(at)})`,
                backgroundSize: `${(100 * (value ?? 0)) / most}% 100%`,
              }}
            />
            <span className={styles.value}>{valueText(value, block.unit)}</span>
          </div>
        )),
      )}
    </div>
  )
}
