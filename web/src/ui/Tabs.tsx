import type { ReactNode } from 'react'
import { Tabs as RadixTabs } from 'radix-ui'
import styles from './Tabs.module.css'

export interface TabEntry {
  value: string
  title: string
  count?: number
  content: ReactNode
}

interface TabsProps {
  tabs: TabEntry[]
  value: string
  onChange: (value: string) => void
  label: string
}

export function Tabs({ tabs, value, onChange, label }: TabsProps) {
  return (
    <RadixTabs.Root className={styles.root} value={value} onValueChange={onChange}>
      <RadixTabs.List className={styles.list} aria-label={label}>
        {tabs.map((tab) => (
          <RadixTabs.Trigger key={tab.value} value={tab.value} className={styles.trigger}>
            {tab.title}
            {tab.count ? <span className={styles.count}>{tab.count}</span> : null}
          </RadixTabs.Trigger>
        ))}
      </RadixTabs.List>
      {tabs.map((tab) => (
        <RadixTabs.Content key={tab.value} value={tab.value} className={styles.panel}>
          {tab.content}
        </RadixTabs.Content>
      ))}
    </RadixTabs.Root>
  )
}
