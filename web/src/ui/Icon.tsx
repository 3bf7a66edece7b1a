/** Line icons on a 16 px grid, drawn for this product. Decorative: the control that holds one carries the name. */
const PATHS = {
  overview: 'M2.5 8.5 8 3l5.5 5.5M4 7.5V13h8V7.5',
  problems: 'M8 2.5 14 13.5H2zM8 6.5v3.4M8 11.6v.3',
  clusters: 'M8 2l5.5 3v6L8 14l-5.5-3V5zM8 8l5.5-3M8 8v6M8 8 2.5 5',
  workloads: 'M3 3h4v4H3zM9 3h4v4H9zM3 9h4v4H3zM9 9h4v4H9z',
  batch: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3.2l2.2 1.5',
  scaling: 'M3 13V9M8 13V3M13 13V6',
  network: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M2.5 8h11M8 2.5c2 2 2 9 0 11M8 2.5c-2 2-2 9 0 11',
  storage:
    'M3 4.2C3 3 5.2 2.4 8 2.4s5 .6 5 1.8v7.6c0 1.2-2.2 1.8-5 1.8s-5-.6-5-1.8zM3 4.2C3 5.4 5.2 6 8 6s5-.6 5-1.8M3 8c0 1.2 2.2 1.8 5 1.8S13 9.2 13 8',
  config: 'M3 4.5h6M12 4.5h1M3 8h1M7 8h6M3 11.5h5M11 11.5h2M9 3v3M4.5 6.5v3M8.5 10v3',
  access: 'M5.5 8.5a3 3 0 1 1 2.6-1.5L13.5 12.4V14h-2v-1.5H10V11L8 9',
  cluster: 'M2.5 4h11v3h-11zM2.5 9h11v3h-11zM4.8 5.5h.4M4.8 10.5h.4',
  other: 'M3 8h.5M8 8h.5M12.5 8h.5',
  search: 'M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4M10.2 10.2 13.5 13.5',
  investigate:
    'M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4M10.2 10.2 13.5 13.5M4.6 7.2h1.2l.9-1.9 1 3.4.8-1.5h1',
  close: 'M4 4l8 8M12 4l-8 8',
  chevronDown: 'M4 6l4 4 4-4',
  chevronRight: 'M6 4l4 4-4 4',
  arrowUp: 'M8 13V3M4 7l4-4 4 4',
  arrowDown: 'M8 3v10M4 9l4 4 4-4',
  plus: 'M8 3v10M3 8h10',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.6M13 2.5v3h-3',
  copy: 'M5.5 5.5V3h7.5v7.5h-2.5M3 5.5h7.5V13H3z',
  check: 'M3 8.5 6.5 12 13 4.5',
  send: 'M2.5 8 13.5 3 10 13.5 7.8 8.8z',
  stop: 'M4.5 4.5h7v7h-7z',
  spark: 'M8 2l1.4 4.6L14 8l-4.6 1.4L8 14l-1.4-4.6L2 8l4.6-1.4z',
  sun: 'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  moon: 'M13 9.6A5.4 5.4 0 0 1 6.4 3 5.4 5.4 0 1 0 13 9.6',
  system: 'M2.5 3.5h11v7.5h-11zM6 13.5h4M8 11v2.5',
  keyboard: 'M1.8 4.5h12.4v7H1.8zM4 7h.3M6.5 7h.3M9 7h.3M11.5 7h.3M5 9.3h6',
  history: 'M3 8a5 5 0 1 0 1.5-3.6M3 2.5v3h3M8 5.5V8l2 1.3',
  trash: 'M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5',
  edit: 'M3 13l.5-2.8L10.8 3 13 5.2 5.8 12.5z',
  columns: 'M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10',
  expand: 'M9.5 3H13v3.5M13 3 9 7M6.5 13H3V9.5M3 13l4-4',
  upload: 'M8 10.5V3M5 5.8 8 3l3 2.8M3 10.5V13h10v-2.5',
  terminal: 'M2.5 3h11v10h-11zM5 6l2 2-2 2M8.5 10.5H11',
  share:
    'M5.5 8.5 10.5 11M10.5 5 5.5 7.5M4 6.3a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4M12 2.5a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4M12 10.1a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4',
  archive: 'M2.5 3h11v3h-11zM3.5 6v7h9V6M6.5 8.5h3',
  link: 'M6.5 9.5l3-3M7 4.5 8.5 3a2.5 2.5 0 0 1 3.6 3.6L10.5 8.2M9 11.5 7.5 13a2.5 2.5 0 0 1-3.6-3.6L5.5 7.8',
  flask: 'M6.3 2.5h3.4M6.9 2.5v4L3.4 12.2c-.4.7.1 1.3.8 1.3h7.6c.7 0 1.2-.6.8-1.3L9.1 6.5v-4M5 10h6',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  bell: 'M3.5 11.5h9L11.3 9.7V7a3.3 3.3 0 0 0-6.6 0v2.7zM6.8 13.4a1.3 1.3 0 0 0 2.4 0',
  book: 'M3 3.2c2-.6 4 0 5 1 1-1 3-1.6 5-1v9c-2-.6-4 0-5 1-1-1-3-1.6-5-1zM8 4.2v9',
  shield: 'M8 2l5 1.8v4c0 3-2 5.2-5 6.2-3-1-5-3.2-5-6.2v-4zM5.8 8l1.6 1.6 2.8-3',
  people:
    'M6 3.2a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4M2 13c0-2.3 1.8-3.8 4-3.8s4 1.5 4 3.8M10.4 3.6a2 2 0 0 1 0 3.7M11.4 9.5c1.6.4 2.6 1.700 2.600 3.500',
  eye: 'M1.8 8S4 4 8 4s6.2 4 6.2 4S12 12 8 12 1.8 8 1.8 8M8 6.3a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.35"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  )
}
