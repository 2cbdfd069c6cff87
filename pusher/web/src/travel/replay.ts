// What shows the past, and its controls: loaded when they are opened first.
export { TravelBar } from '../ui/travel-bar';
export { Travel } from './travel';
