import type { ReactNode } from 'react'
import { DropdownMenu } from 'radix-ui'
import { Icon } from './Icon'
import styles from './Menu.module.css'

interface MenuProps {
  trigger: ReactNode
  children: ReactNode
  align?: 'start' | 'end'
  open?: boolean
  onOpenChange?: (open: boolean) => void
}

/** A menu under its button, with arrow keys, type-ahead and Esc. */
export function Menu({ trigger, children, align = 'start', open, onOpenChange }: MenuProps) {
  return (
    <DropdownMenu.Root open={open} onOpenChange={onOpenChange} modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      {/* In place, not in a portal: so the menu stays inside the landmark of its button. */}
      <DropdownMenu.Content className={styles.content} align={align} sideOffset={4} collisionPadding={8}>
        {children}
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  )
}

interface MenuItemProps {
  onSelect: (event: Event) => void
  children: ReactNode
  checked?: boolean
  danger?: boolean
  disabled?: boolean
}

export function MenuItem({ onSelect, children, checked, danger, disabled }: MenuItemProps) {
  const content = (
    <>
      {checked !== undefined && (
        <span className={styles.mark}>{checked && <Icon name="check" size={14} />}</span>
      )}
      {children}
    </>
  )
  const className = danger ? `${styles.item} ${styles.danger}` : styles.item
  return checked === undefined ? (
    <DropdownMenu.Item className={className} onSelect={onSelect} disabled={disabled}>
      {content}
    </DropdownMenu.Item>
  ) : (
    <DropdownMenu.CheckboxItem
      className={className}
      checked={checked}
      onSelect={onSelect}
      disabled={disabled}
    >
      {content}
    </DropdownMenu.CheckboxItem>
  )
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <DropdownMenu.Label className={styles.label}>{children}</DropdownMenu.Label>
}

export function MenuSeparator() {
  return <DropdownMenu.Separator className={styles.separator} />
}
