# needs: networkx
import networkx as nx
g = nx.gnm_random_graph(500, 2000, seed=3)
print(nx.number_connected_components(g), round(sum(nx.pagerank(g).values()), 6), len(nx.shortest_path(g, 0)))
