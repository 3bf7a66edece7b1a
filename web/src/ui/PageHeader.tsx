import type { ReactNode } from 'react'
import styles from './PageHeader.module.css'

/** Title of a page, facts beside it, and its actions on the right. */
export function PageHeader({
  title,
  facts,
  children,
}: {
  title: ReactNode
  facts?: ReactNode
  children?: ReactNode
}) {
  return (
    <header className={styles.header}>
      <h1>{title}</h1>
      {facts && <div className={styles.facts}>{facts}</div>}
      <div className={styles.space} />
      {children}
    </header>
  )
}
