import type { ButtonHTMLAttributes, Ref } from 'react'
import { Icon, type IconName } from './Icon'
import styles from './Button.module.css'

type Tone = 'plain' | 'primary' | 'quiet' | 'danger'

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  tone?: Tone
  icon?: IconName
  ref?: Ref<HTMLButtonElement>
}

export function Button({ tone = 'plain', icon, children, className, ...rest }: ButtonProps) {
  return (
    <button type="button" className={join(styles.button, styles[tone], className)} {...rest}>
      {icon && <Icon name={icon} size={15} />}
      {children}
    </button>
  )
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  icon: IconName
  label: string
  shortcut?: string
  ref?: Ref<HTMLButtonElement>
}

/** A square button whose only content is an icon; `label` is its name and its tooltip. */
export function IconButton({ icon, label, shortcut, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      className={join(styles.icon, className)}
      aria-label={label}
      title={shortcut ? `${label} (${shortcut})` : label}
      {...rest}
    >
      <Icon name={icon} />
    </button>
  )
}

function join(...names: (string | undefined)[]): string {
  return names.filter(Boolean).join(' ')
}
