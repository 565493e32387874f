"""What other methods make of the development concepts, on the base in FOLDER.

`python nbs/benchmarks/peers.py FOLDER` tries each method's settings (notebook 14d) on two concepts,
then learns the others with the best one, and fills peers.json beside this file; what is there is
kept. Scores are those of base.py."""
import argparse, json, os, time
from functools import partial
from pathlib import Path
import torch
import base
from mechanisms import means, parts

RESULTS = Path(__file__).resolve().parent/'peers.json'
TUNED_ON = 2  # Concepts

def methods():
    "Name -> (context of notebook 14d, class pictures?, settings to try)"
    from perfusion_nb.baselines import METHODS, lora, rates
    peers = {name: (d['learn'], d.get('prior', False), d['tries'])
             for name, d in METHODS.items() if name != 'Perfusion'}
    narrow = partial(lora, rank=1, only_kv=True)
    return peers | {'LoRA, rank 1 on K and V': (narrow, False, rates(110, 1e-3, 3e-3, 1e-2, 3e-2))}

def drawn_by(method, perf):
    "A method's way to draw, in the words of `perf.draw`"
    how = dict(num_inference_steps=perf.base['draw_steps'],
               guidance_scale=perf.base['guidance_scale'])
    def draw(prompts, n, seed):
        noise = [torch.Generator().manual_seed(seed + k) for _ in prompts for k in range(n)]
        each = [p for p in prompts for _ in range(n)]
        return sum((method.draw(each[a:a+16], generator=noise[a:a+16], **how)
                    for a in range(0, len(each), 16)), [])
    return draw

def measured(pipe, judge, name, setting, thing, **less):
    "Learn a concept in a method's way, and count"
    from perfusion_nb.baselines import class_pictures
    from perfusion_nb.data import PictureSet
    from perfusion_nb.wiring import Perfusion
    from perfusion_nb.world import concept_pictures
    learn, preserve, _ = methods()[name]
    perf, shown, setting = Perfusion(pipe), concept_pictures(thing), dict(setting) | less
    try:
        preserve, before = setting.pop('prior', preserve), base.plain_pictures(perf, thing)
        bank = PictureSet.encode(pipe.vae, shown, masks=False)
        prior = class_pictures(perf, thing) if preserve else None
        with learn(perf, bank, thing, prior=prior, **setting) as method:
            draw = drawn_by(method, perf)
            found = base.scores(draw, judge, method.phrase, thing, shown, before)
            return means(found) | dict(seconds=round(method.seconds), nbytes=method.nbytes)
    finally:
        perf.remove()

def best(rows, tries):
    "The setting with the highest mean of the concepts' harmonic means"
    from perfusion_nb.choose import harmonic
    reached = lambda s: [harmonic(r['prompt'], r['identity']) for r in rows[json.dumps(s)].values()]
    return max(tries, key=lambda s: sum(reached(s)))

def run(folder, out, things, only, tuned_on=TUNED_ON, **less):
    pipe, judge, done = *parts(folder), base.read(out)
    def fill(name, setting, thing):
        row = done.setdefault(name, {}).setdefault(json.dumps(setting), {})
        if thing in row: return
        row[thing] = measured(pipe, judge, name, setting, thing, **less)
        base.write(out, done)
        print(name, setting, thing, row[thing], flush=True)
    for name, (_, _, tries) in methods().items():
        if only and name not in only: continue
        for setting in tries:
            for thing in things[:tuned_on]: fill(name, setting, thing)
        for thing in things[tuned_on:]: fill(name, best(done[name], tries), thing)

if __name__ == '__main__':
    from perfusion_nb.world import DEVELOP
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('folder', type=Path)
    p.add_argument('--things', nargs='+', default=DEVELOP, choices=DEVELOP)
    p.add_argument('--only', nargs='+', metavar='METHOD', help='of notebook 14d, by name')
    p.add_argument('--out', type=Path, default=RESULTS)
    a = p.parse_args()
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', 2)))
    run(a.folder, a.out, a.things, a.only)
