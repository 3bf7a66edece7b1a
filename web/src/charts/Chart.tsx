import { useState } from 'react'
import type { ChartBlock } from '../api/types'
import { Table } from '../ui/Table'
import { BarChart } from './BarChart'
import { LineChart } from './LineChart'
import { summary, valueText } from './series'
import styles from './Chart.module.css'

/** A chart with its text summary, and its numbers as a table on demand. */
export function Chart({ block }: { block: ChartBlock }) {
  const [asTable, setAsTable] = useState(false)
  const text = summary(block)
  return (
    <figure className={styles.chart}>
      <figcaption className={styles.caption}>
        <span>{block.title}</span>
        <button
          type="button"
          className={styles.toggle}
          aria-pressed={asTable}
          onClick={() => setAsTable(!asTable)}
        >
          {asTable ? 'As a chart' : 'As a table'}
        </button>
      </figcaption>
      {asTable ? (
        <Table
          label={block.title}
          rows={block.series.flatMap((series) =>
            series.points.map(([x, y]) => ({ series: series.name, x, y })),
          )}
          rowKey={(_, index) => String(index)}
          columns={[
            ...(block.series.length > 1
              ? [{ key: 'series', title: 'Series', cell: (row: Point) => row.series }]
              : []),
            { key: 'x', title: '', cell: (row: Point) => String(row.x) },
            {
              key: 'y',
              title: block.unit || 'Value',
              numeric: true,
              cell: (row: Point) => valueText(row.y, block.unit),
            },
          ]}
        />
      ) : block.chart === 'bar' ? (
        <BarChart block={block} label={text} />
      ) : (
        <LineChart block={block} label={text} />
      )}
      <p className={styles.summary}>{text}</p>
    </figure>
  )
}

interface Point {
  series: string
  x: unknown
  y: number | null
}
