// Preact and htm, bound once: the other modules take everything they render with from here.
import { h, render, Fragment, createContext } from './vendor/preact.js';
import {
  useState, useEffect, useLayoutEffect, useReducer, useRef, useMemo, useCallback, useContext, useId,
} from './vendor/hooks.js';
import htm from './vendor/htm.js';

export const html = htm.bind(h);
export {
  render, Fragment, createContext,
  useState, useEffect, useLayoutEffect, useReducer, useRef, useMemo, useCallback, useContext, useId,
};
